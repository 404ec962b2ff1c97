// Counts the instructions of a program on an emulated Arm processor, and its vector multiply-adds of four floats (FMLA, by vector and by element).
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// What is used of QEMU's plugin interface, version 1.
typedef uint64_t plugin_id;
struct block;
struct instruction;
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block *));
void qemu_plugin_register_vcpu_insn_exec_inline(struct instruction *, int, void *, uint64_t);
size_t qemu_plugin_tb_n_insns(const struct block *);
struct instruction *qemu_plugin_tb_get_insn(const struct block *, size_t);
const void *qemu_plugin_insn_data(const struct instruction *);
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int qemu_plugin_version = 1;
static uint64_t instructions, multiply_adds;

static void translated(plugin_id id, struct block *block) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct instruction *one = qemu_plugin_tb_get_insn(block, i);
        uint32_t code = *(const uint32_t *)qemu_plugin_insn_data(one);
        qemu_plugin_register_vcpu_insn_exec_inline(one, 0, &instructions, 1);
        if ((code & 0xffe0fc00) == 0x4e20cc00 || (code & 0xffc0f400) == 0x4f801000) {
            qemu_plugin_register_vcpu_insn_exec_inline(one, 0, &multiply_adds, 1);
        }
    }
}

static void ended(plugin_id id, void *data) {
    (void)id;
    (void)data;
    fprintf(stderr, "%llu %llu\n", (unsigned long long)instructions, (unsigned long long)multiply_adds);
}

EXPORTED int qemu_plugin_install(plugin_id id, const void *info, int count, char **values) {
    (void)info;
    (void)count;
    (void)values;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
