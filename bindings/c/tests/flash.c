/* A firmware that classifies frames and does nothing else but keep the error, as boards/panic-free/src/bin/stream.rs: its size is compared
 * with that one's. */
#include MODEL_HEADER

static elman_model_t model;
static uint32_t memory[MODEL_UPPER(_MEMORY_WORDS)];

volatile int16_t input[MODEL_UPPER(_INPUTS)];
volatile int32_t answer;

void reset(void);

void reset(void) {
    elman_stream_t stream;
    elman_output_t output;
    int16_t frame[MODEL_UPPER(_INPUTS)];
    static elman_error_t error;
    if (MODEL(_load)(&model, &error) != ELMAN_OK ||
        elman_stream_init(&stream, &model, memory, MODEL_UPPER(_MEMORY_WORDS), &error) != ELMAN_OK) {
        for (;;) {
        }
    }
    for (;;) {
        for (size_t k = 0; k < MODEL_UPPER(_INPUTS); k++) {
            frame[k] = input[k];
        }
        if (elman_step(&stream, frame, MODEL_UPPER(_INPUTS), &output) == ELMAN_OK) {
            answer = elman_argmax(&output);
        }
    }
}
