/* Example for model `@NAME@`: tests that this core gives the PC's bits, then classifies frames. Written by `elman export`. */
#include "@STEM@.h"
#include "@STEM@_test.h"

/* Replace it by your UART: example/startup.c prints through a debugger or QEMU. */
extern void print(const char *text);

/* The model must not move, and the memory is the stream's. Neither is on the stack, and neither takes flash. */
static elman_model_t model;
static uint32_t memory[@UPPER@_MEMORY_WORDS];

static void print_number(int32_t number) {
    char text[12];
    char *at = text + sizeof text;
    uint32_t rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
    *--at = '\0';
    do {
        *--at = (char)('0' + rest % 10u);
        rest /= 10u;
    } while (rest > 0);
    if (number < 0) {
        *--at = '-';
    }
    print(at);
}

int main(void) {
    elman_status_t status = @STEM@_load(&model, NULL);
    if (status != ELMAN_OK) {
        print(elman_status_text(status));
        return 1;
    }
    elman_stream_t stream;
    status = elman_stream_init(&stream, &model, memory, @UPPER@_MEMORY_WORDS, NULL);
    if (status != ELMAN_OK) {
        print(elman_status_text(status));
        return 1;
    }
    elman_output_t output;
    for (size_t t = 0; t < @UPPER@_TEST_STEPS; t++) {
        /* One frame a step: your features or readings, as int16_t. */
        status = elman_step(&stream, &@STEM@_test_frames[t * @UPPER@_INPUTS], @UPPER@_INPUTS, &output);
        if (status != ELMAN_OK) {
            print(elman_status_text(status));
            return 1;
        }
        for (size_t k = 0; k < @UPPER@_OUTPUTS; k++) {
            if (output.logits[k] != @STEM@_test_logits[t * @UPPER@_OUTPUTS + k]) {
                print("other bits than the PC's, in step ");
                print_number((int32_t)t);
                print("\n");
                return 1;
            }
        }
    }
    char label[64];
    int32_t class_index = elman_argmax(&output);
    print("bit for bit, class ");
    print_number(class_index);
    if (elman_label(&model, (uint16_t)class_index, label, sizeof label) > 0) {
        print(" ");
        print(label);
    }
    print("\n");
    return 0;
}
