/* Example for model `@NAME@`: tests that this core gives the PC's bits, then classifies a sequence. Written by `elman export`. */
#include "@STEM@.h"
#include "@STEM@_test.h"

/* Replace it by your UART: example/startup.c prints through a debugger or QEMU. */
extern void print(const char *text);

/* The model must not move, and the memory is the sequence's. Neither is on the stack, and neither takes flash. */
static elman_model_t model;
static uint32_t memory[@UPPER@_MEMORY_WORDS];

int main(void) {
    elman_sequence_t sequence;
    elman_outputs_t outputs;
    elman_output_t output;
    elman_status_t status = @STEM@_load(&model, NULL);
    if (status == ELMAN_OK) {
        status = elman_sequence_init(&sequence, &model, memory, @UPPER@_MEMORY_WORDS, NULL);
    }
    if (status == ELMAN_OK) {
        /* Frame after frame: your features or readings, as int16_t. */
        status = elman_sequence_run(&sequence, @STEM@_test_frames, @UPPER@_TEST_STEPS * @UPPER@_INPUTS, &outputs, NULL);
    }
    for (size_t t = 0; status == ELMAN_OK && t < @UPPER@_TEST_STEPS; t++) {
        status = elman_outputs_at(&outputs, t, &output);
        for (size_t k = 0; status == ELMAN_OK && k < @UPPER@_OUTPUTS; k++) {
            if (output.logits[k] != @STEM@_test_logits[t * @UPPER@_OUTPUTS + k]) {
                print("other bits than the PC's\n");
                return 1;
            }
        }
    }
    if (status != ELMAN_OK) {
        print(elman_status_text(status));
        return 1;
    }
    char label[64];
    print("bit for bit, class ");
    if (elman_label(&model, (uint16_t)elman_argmax(&output), label, sizeof label) > 0) {
        print(label);
    }
    print("\n");
    return 0;
}
