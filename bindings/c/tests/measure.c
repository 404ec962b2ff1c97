/* Ticks of SysTick of each step on an emulated core, whose instructions take 64 ns each (-icount shift=6): those of all steps less
 * those of measuring nothing. MODEL_HEADER, TEST_HEADER, MODEL and MODEL_UPPER are as in check.c; prints through example/startup.c. */
#include MODEL_HEADER
#include TEST_HEADER

extern void print(const char *text);

static elman_model_t model;
static uint32_t memory[MODEL_UPPER(_MEMORY_WORDS)];

#define CONTROL (*(volatile uint32_t *)0xe000e010u)
#define RELOAD (*(volatile uint32_t *)0xe000e014u)
#define CURRENT (*(volatile uint32_t *)0xe000e018u)

static void print_number(uint32_t number) {
    char text[12];
    char *at = text + sizeof text;
    *--at = '\0';
    do {
        *--at = (char)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    print(at);
}

/* Counts down in 24 bits. */
static uint32_t since(uint32_t start) {
    return (start - CURRENT) & 0xffffffu;
}

__attribute__((noinline)) static uint32_t counted_step(elman_stream_t *stream, const int16_t *frame, elman_output_t *output) {
    uint32_t start = CURRENT;
    (void)elman_step(stream, frame, MODEL_UPPER(_INPUTS), output);
    return since(start);
}

int main(void) {
    elman_stream_t stream;
    elman_output_t output;
    uint32_t ticks = 0;
    uint32_t empty = 0xffffffu;
    RELOAD = 0xffffffu;
    CURRENT = 0;
    CONTROL = 5;
    while (CURRENT == 0) {
    }
    if (MODEL(_load)(&model, NULL) != ELMAN_OK ||
        elman_stream_init(&stream, &model, memory, MODEL_UPPER(_MEMORY_WORDS), NULL) != ELMAN_OK) {
        print("not loaded\n");
        return 1;
    }
    for (int k = 0; k < 16; k++) {
        uint32_t start = CURRENT;
        uint32_t took = since(start);
        empty = took < empty ? took : empty;
    }
    for (size_t t = 0; t < MODEL_UPPER(_TEST_STEPS); t++) {
        ticks += counted_step(&stream, &MODEL(_test_frames)[t * MODEL_UPPER(_INPUTS)], &output) - empty;
        for (size_t k = 0; k < MODEL_UPPER(_OUTPUTS); k++) {
            if (output.logits[k] != MODEL(_test_logits)[t * MODEL_UPPER(_OUTPUTS) + k]) {
                print("other bits than the PC's\n");
                return 1;
            }
        }
    }
    print("ticks ");
    print_number(ticks);
    print("\n");
    return 0;
}
