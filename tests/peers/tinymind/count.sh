#!/bin/sh
# Instructions of a step of TinyMind's int8 GRU on an emulated Cortex-M4, for some compilers' flags.
#
# usage: count.sh TINYMIND/cpp PLUGIN.so
#
# PLUGIN.so is a QEMU plugin that counts the instructions between `mov r10, r10` and `mov r11, r11`, and writes each region's count
# to the file named by `out`. QEMU names the program, qemu-system-arm where it is not set.
set -eu
cpp=$1 plugin=$2 here=$(cd "$(dirname "$0")" && pwd) scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for shape in "12 32" "40 64" "40 128" "16 16" "64 256"; do
    set -- $shape
    for flag in -O2 -O3 -Ofast -Os; do
        arm-none-eabi-g++ -std=c++17 $flag -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard -fno-exceptions -fno-rtti \
            -ffreestanding -nostdlib -DINPUTS="$1" -DHIDDEN="$2" -DTINYMIND_ENABLE_FLOAT=0 -DTINYMIND_ENABLE_STD=0 \
            -DTINYMIND_ENABLE_QUANTIZATION=1 -I"$cpp" -T "$here/device.ld" -o "$scratch/step.elf" "$here/device.cpp" -lgcc
        ${QEMU:-qemu-system-arm} -machine mps2-an386 -cpu cortex-m4 -nographic -monitor none -serial none \
            -semihosting-config enable=on,target=native -plugin "$plugin,out=$scratch/log" -kernel "$scratch/step.elf"
        echo "$1 inputs, $2 units, $flag: $(grep -v '^#' "$scratch/log" | tail -2 | head -1)"
    done
done
