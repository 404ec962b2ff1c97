// The Pico's firmware in rp2040js on a USB host: what comes by the standard input goes to its serial port (CDC ACM), and what it sends to the
// standard output.
//
//   node line.cjs PACKAGES FLASH OPERATIONS.json
//
// FLASH is a UF2, or the flash's bytes. At the end of the input OPERATIONS has each erase and program operation of the flash.
const fs = require('fs');
const path = require('path');
const { image, start } = require('./emulator.cjs');

const [packages, flash, operations] = process.argv.slice(2);
const { USBCDC } = require(path.resolve(packages, 'node_modules/rp2040js'));

let bytes = image(flash);
const journal = [];
const input = [];
let [machine, restarts, waits, over] = [null, false, null, false];

function power() {
  const done = (operation) => journal.push(operation);
  machine = start(packages, bytes, { done, restart: () => (restarts = true) });
  machine.chip.adc.onADCRead = (channel) => {
    machine.chip.adc.channelValues[channel] = 2048;
    machine.chip.adc.sampleAlarm.schedule(2000);
  };
  const usb = machine.chip.usbCtrl;
  const host = new USBCDC(usb);
  host.onSerialData = (data) => process.stdout.write(data);
  waits = null;
  // A read waits until there are bytes: until then its buffer is the controller's, which rp2040js takes back at once.
  const control = (endpoint, change) => {
    const [view, at] = [machine.chip.usbDPRAMView, 0x84 + 8 * endpoint];
    view.setUint32(at, change(view.getUint32(at, true)), true);
  };
  usb.onEndpointRead = (endpoint, size) => {
    if (endpoint !== host.outEndpoint) return;
    control(endpoint, (value) => value | (1 << 10));
    waits = { endpoint, size };
  };
  const finish = usb.finishRead.bind(usb);
  usb.finishRead = (endpoint, buffer) => {
    control(endpoint, (value) => value & ~(1 << 10));
    finish(endpoint, buffer);
  };
}

function give() {
  if (waits && input.length > 0) {
    const { endpoint, size } = waits;
    waits = null;
    machine.chip.usbCtrl.endpointReadDone(endpoint, Uint8Array.from(input.splice(0, size)));
  }
}

function run() {
  if (over) {
    fs.writeFileSync(operations, JSON.stringify({ journal, errors: machine.errors }));
    process.exit(0);
  }
  for (let k = 0; k < 50000 && !restarts; k += 1) {
    if (k % 500 === 0) give();
    machine.step();
  }
  if (restarts) {
    restarts = false;
    bytes = machine.chip.flash.slice();
    power();
  }
  setImmediate(run);
}

process.stdin.on('data', (data) => input.push(...data));
process.stdin.on('end', () => (over = true));
power();
run();
