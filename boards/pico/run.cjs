// The Pico's firmware in rp2040js, as it is flashed: boot ROM, second boot stage, converter, DMA, light.
//
//   node run.cjs PACKAGES FIRMWARE.uf2 SAMPLES.bin
//
// SAMPLES has what the converter gives on GP26, 16 bits each. Prints one JSON object: when the light went on and off, in samples; cycles
// in which the core worked, by the emulator's model of an M0+.
const fs = require('fs');
const path = require('path');
const { image, start } = require('./emulator.cjs');

const [packages, uf2, sound] = process.argv.slice(2);
const { chip, errors, counts, step } = start(packages, image(uf2));
const { GPIOPinState } = require(path.resolve(packages, 'node_modules/rp2040js'));

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

const begun = Date.now();
const most = 2 * 125e6 * (samples.length / 16000) + 125e6;
while (taken < samples.length && counts.working + counts.waiting < most) {
  step();
}
counts.waiting = Math.round(counts.waiting);
console.log(JSON.stringify({ taken, light, ...counts, errors, milliseconds: Date.now() - begun }));
