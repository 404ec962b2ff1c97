// Example for model `@NAME@`: tests that this board gives the PC's bits. Written by `elman export`.
#include <@STEM@.h>
#include <@STEM@_test.h>

static elman_model_t model;  // must not move
static elman_stream_t stream;
static uint32_t memory[@UPPER@_MEMORY_WORDS];

static bool same_bits() {
  elman_output_t output;
  for (size_t t = 0; t < @UPPER@_TEST_STEPS; t++) {
    // One frame a step: your features or readings, as int16_t.
    if (elman_step(&stream, &@STEM@_test_frames[t * @UPPER@_INPUTS], @UPPER@_INPUTS, &output) != ELMAN_OK) {
      return false;
    }
    for (size_t k = 0; k < @UPPER@_OUTPUTS; k++) {
      if (output.logits[k] != @STEM@_test_logits[t * @UPPER@_OUTPUTS + k]) {
        return false;
      }
    }
  }
  return true;
}

void setup() {
  Serial.begin(115200);
  elman_status_t status = @STEM@_load(&model, NULL);
  if (status == ELMAN_OK) {
    status = elman_stream_init(&stream, &model, memory, @UPPER@_MEMORY_WORDS, NULL);
  }
  if (status != ELMAN_OK) {
    Serial.println(elman_status_text(status));
    return;
  }
  Serial.println(same_bits() ? "bit for bit" : "other bits than the PC's");
  elman_reset(&stream);
}

void loop() {}
