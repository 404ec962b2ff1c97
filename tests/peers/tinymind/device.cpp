// A step of TinyMind's int8 GRU between the two markers that the counting plugin looks for, on an emulated Cortex-M.
#include <cstdint>

#include "qgru.hpp"

#ifndef INPUTS
#define INPUTS 40
#define HIDDEN 64
#endif

typedef tinymind::QGRUCell<int8_t, int8_t, int32_t, int8_t, int8_t, INPUTS, HIDDEN> Cell;

static int8_t w[3 * HIDDEN * INPUTS], u[3 * HIDDEN * HIDDEN], lut[256], x[INPUTS], h[HIDDEN];
static int32_t b[3 * HIDDEN];
static Cell cell;
volatile int32_t sink;

__attribute__((noinline)) static void step() {
    asm volatile("mov r10, r10" ::: "memory");
    cell.forward(x, h);
    asm volatile("mov r11, r11" ::: "memory");
}

extern "C" void start() {
    uint32_t seed = 1;
    auto next = [&seed]() { return static_cast<int8_t>((seed = seed * 1664525u + 1013904223u) >> 24); };
    for (auto &v : w) v = next();
    for (auto &v : u) v = next();
    for (auto &v : x) v = next();
    for (int k = 0; k < 256; ++k) lut[k] = static_cast<int8_t>(k - 128);
    cell.w_input = w;
    cell.w_recurrent = u;
    cell.biases = b;
    cell.sigmoid_lut = cell.tanh_lut = lut;
    for (int g = 0; g < 3; ++g) {
        cell.input_to_lut_multiplier[g] = cell.recurrent_to_lut_multiplier[g] = 1 << 30;
        cell.input_to_lut_shift[g] = cell.recurrent_to_lut_shift[g] = 6;
    }
    cell.r_times_h_multiplier = cell.one_minus_z_times_n_multiplier = cell.z_times_h_multiplier = 1 << 30;
    cell.r_times_h_shift = cell.one_minus_z_times_n_shift = cell.z_times_h_shift = 7;
    cell.output_qmin = -128;
    cell.output_qmax = 127;
    for (int t = 0; t < 10; ++t) step();
    sink = h[0];
    // Semihosting: the end.
    asm volatile("mov r0, #0x18\n ldr r1, =0x20026\n bkpt 0xab" ::: "r0", "r1");
    for (;;) {
    }
}

extern "C" uint32_t stack_top;
__attribute__((section(".vectors"), used)) static void *const vectors[] = {&stack_top, reinterpret_cast<void *>(start)};
extern "C" void *memcpy(void *to, const void *from, unsigned n) {
    for (unsigned k = 0; k < n; ++k) static_cast<char *>(to)[k] = static_cast<const char *>(from)[k];
    return to;
}
extern "C" void *memset(void *to, int v, unsigned n) {
    for (unsigned k = 0; k < n; ++k) static_cast<volatile char *>(to)[k] = static_cast<char>(v);
    return to;
}
