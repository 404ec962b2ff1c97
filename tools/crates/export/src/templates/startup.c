/* Vectors, start and printing of the example, for Arm's cores in QEMU and for boards under a debugger with semihosting. A firmware
 * with a start of its own leaves this file out. Written by `elman export`. */
#include <stdint.h>

extern uint32_t data_load[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern int main(void);

void print(const char *text);
void reset(void);

/* Operations of semihosting: write a string, end. */
static int32_t host(int32_t operation, const void *argument) {
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void print(const char *text) {
    (void)host(0x04, text);
}

static void end(int code) {
    const uint32_t reason[2] = {0x20026u, (uint32_t)code};
    (void)host(0x20, reason);
    for (;;) {
    }
}

static void fault(void) {
    print("fault\n");
    end(2);
}

void reset(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    /* Full access to the unit for floats and vectors. */
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20;
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
    const volatile uint32_t *from = data_load;
    for (volatile uint32_t *to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (volatile uint32_t *to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
    end(main());
}

typedef union {
    void (*handler)(void);
    uint32_t *stack;
} vector_t;

__attribute__((used, section(".vectors"))) static const vector_t vectors[16] = {
    {.stack = stack_top}, {.handler = reset}, {.handler = fault}, {.handler = fault},
    {.handler = fault},   {.handler = fault}, {.handler = fault}, {.handler = fault},
};
