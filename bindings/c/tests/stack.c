/* Stack of each function on an emulated core, and the events of a listener there. The stack below a caller is painted, the function
 * called, and what is no longer paint is counted. MODEL_HEADER, TEST_HEADER, MODEL and MODEL_UPPER are as in check.c; a model that listens
 * comes with samples.h. Prints through example/startup.c. */
#include MODEL_HEADER
#include TEST_HEADER
#ifdef LISTENS
#include "samples.h"
#endif

#define PAINT 0xa5a5a5a5u
/* Words of stack that are painted, from the first below the own ones. */
#define PAINTED 2048
#define KEPT 1

extern void print(const char *text);

static elman_model_t model;
static uint32_t memory[MODEL_UPPER(_MEMORY_WORDS)];
static int32_t status;

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

/* The bytes of stack that a call took: those from the deepest word without paint to the stack of this function. */
__attribute__((noinline)) static uint32_t stack_of(void (*call)(void)) {
    register uint32_t *sp __asm__("sp");
    volatile uint32_t *top;
    __asm__ volatile("mov %0, %1" : "=r"(top) : "r"(sp));
    for (int k = KEPT; k < PAINTED; k++) {
        top[-k] = PAINT;
    }
    call();
    for (int k = PAINTED - 1; k >= KEPT; k--) {
        if (top[-k] != PAINT) {
            return (uint32_t)k * 4u;
        }
    }
    return KEPT * 4u;
}

static void report(const char *name, void (*call)(void)) {
    uint32_t bytes = stack_of(call);
    print(name);
    print(" ");
    print_number(bytes);
    print(status == ELMAN_OK ? "\n" : " failed\n");
}

static void load(void) {
    status = MODEL(_load)(&model, NULL);
}

#ifdef SEQUENCE
static elman_sequence_t sequence;
static elman_outputs_t outputs;

static void start(void) {
    status = elman_sequence_init(&sequence, &model, memory, MODEL_UPPER(_MEMORY_WORDS), NULL);
}

static void run(void) {
    const size_t elements = MODEL_UPPER(_TEST_STEPS) * MODEL_UPPER(_INPUTS);
    status = elman_sequence_run(&sequence, MODEL(_test_frames), elements, &outputs, NULL);
}
#else
static elman_stream_t stream;
static elman_output_t output;

static void start(void) {
    status = elman_stream_init(&stream, &model, memory, MODEL_UPPER(_MEMORY_WORDS), NULL);
}

static void run(void) {
    status = elman_step(&stream, MODEL(_test_frames), MODEL_UPPER(_INPUTS), &output);
}

static void soft(void) {
    static uint16_t p[MODEL_UPPER(_OUTPUTS)];
    status = elman_softmax(&output, p, MODEL_UPPER(_OUTPUTS));
}
#endif

#ifdef LISTENS
static elman_listener_t listener;
static uint32_t states[MODEL_UPPER(_LISTENER_WORDS)];
static elman_event_t event;
static size_t at;

static void listen(void) {
    status = elman_listener_init(&listener, &model, states, MODEL_UPPER(_LISTENER_WORDS), NULL);
}

static void push(void) {
    status = elman_listener_push(&listener, &samples[at], 160, &event);
    if (status == ELMAN_EVENT) {
        print("event ");
        print_number(event.class_index);
        print(" ");
        print_number((uint32_t)event.step);
        print(" ");
        print_number(event.score);
        print(" ");
        print_number((uint32_t)elman_event_milliseconds(&listener, &event));
        print("\n");
        status = ELMAN_OK;
    }
}

/* All samples; the most stack of a push. */
static void hear(void) {
    uint32_t most = 0;
    for (at = 0; at + 160 <= sizeof samples / sizeof samples[0]; at += 160) {
        uint32_t bytes = stack_of(push);
        most = bytes > most ? bytes : most;
    }
    print("push ");
    print_number(most);
    print(status == ELMAN_OK ? "\n" : " failed\n");
}
#endif

int main(void) {
    report("load", load);
    report("init", start);
    report("run", run);
#ifndef SEQUENCE
    report("softmax", soft);
#endif
#ifdef LISTENS
    report("listen", listen);
    hear();
#endif
    return 0;
}
