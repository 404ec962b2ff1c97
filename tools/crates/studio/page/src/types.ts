// What the server sends. Names are those of its JSON.

export type Kind = "clips" | "tables";

export interface Project {
  name: string;
  folder: string;
  version: string;
  cores: number;
  microphone_rate: number;
  revision: number;
  /** Number of the last change. */
  events: number;
  synth: { espeak: boolean; kokoro: boolean; setup: string };
  firmware: string[];
  firmware_help: string | null;
  lan: boolean;
  /** Version and schema of the messages with a board. */
  protocol: { version: number; schema: string };
}

export interface ClassInfo {
  name: string;
  clips: number;
  seconds: number;
  shortest_ms: number | null;
  longest_ms: number | null;
  level_db: number | null;
  peak_db: number | null;
  excluded: number;
  measured: number;
}

export interface Classes {
  revision: number;
  classes: ClassInfo[];
  background: ClassInfo | null;
  notes: string[];
}

/** Clips by columns: one entry a clip in each. */
export interface Clips {
  revision: number;
  total: number;
  class: string[];
  name: string[];
  ms: (number | null)[];
  level: (number | null)[];
  peak: (number | null)[];
  bytes: number[];
}

export interface ClipName {
  class: string;
  name: string;
}

export interface Stored extends ClipName {
  ms: number;
  level: number | null;
  peak: number | null;
  op: number;
}

export interface Changed {
  op: number;
  done: number;
}

export interface Operation {
  op: number;
  time: number;
  what: string;
  text: string;
  items: number;
  undone: boolean;
}

export interface Features {
  rate: number;
  seconds: number;
  hop_s: number;
  window_s: number;
  bands: number;
  frames: number;
  features: number[];
  low_hz: number;
  high_hz: number;
  what: string;
  wave: { min: number[]; max: number[] };
}

export interface Track {
  labels: string[];
  hop_s: number;
  window_s: number;
  frames: number;
  outputs: number;
  probabilities: number[];
  means: number[];
  events: { step: number; seconds: number; class: number; label: string; score: number }[];
  thresholds: number[] | null;
}

export interface Table {
  columns: string[];
  rows: number;
  label: string | null;
  values: number[][];
  every: number;
}

export interface Preset {
  name: string;
  title: string;
  help: string;
  kind: Kind;
  stream: boolean;
  own: boolean;
  seconds: number | null;
}

export interface RecipeKey {
  key: string;
  help: string;
  type: "int" | "float" | "bool" | "text" | "list" | "table" | "choice";
  value: unknown;
  default: unknown;
  choices?: string[];
}

export interface RecipeInfo {
  name: string;
  toml: string;
  keys: RecipeKey[];
}

export interface Run {
  name: string;
  state: "starting" | "training" | "paused" | "trained" | "quantizing" | "evaluating" | "calibrating" | "ready" | "failed";
  epochs: number;
  done: number;
  best: number | null;
  watch: string;
  valid_accuracy: number | null;
  valid_loss: number | null;
  metric: number | null;
  stream: boolean;
  sound: boolean;
  labels: string[];
  model: boolean;
  evaluated: boolean;
  calibrated: boolean;
  job: number | string | null;
  outside: boolean;
  seconds_left: number | null;
  modified: number;
  error: string | null;
}

export interface Epoch {
  epoch: number;
  rate: number;
  train_loss: number;
  train_loss_per_step?: number | null;
  train_accuracy: number | null;
  valid_loss: number | null;
  valid_loss_per_step?: number | null;
  valid_accuracy: number | null;
  validation_metric?: number | null;
  gradient_norm: number | null;
  best: boolean;
}

export interface RunDetail extends Run {
  metrics: Epoch[];
  results: Record<string, any>;
  log: string[];
}

export interface Progress {
  done: number;
  total: number;
  text: string;
  seconds_left: number | null;
}

export interface Job {
  id: number | string;
  kind: string;
  run: string | null;
  command: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  error: string | null;
  log: string[];
  progress: Progress | null;
}

export interface Figure {
  name: string;
  value: number;
  /** Whether it is a share of 1. */
  share?: boolean;
}

export interface Answer extends ClipName {
  label: number;
  float: number | null;
  integer: number;
}

/** A layer's integers against the float network. */
export interface LayerError {
  layer: number;
  variant: string;
  format: string;
  weights_db: number | null;
  input_db: number | null;
  recurrent_db: number | null;
  output_db: number | null;
  saturated: number;
  outputs: number;
}

export interface Evaluation {
  split: string;
  labels: string[];
  examples: number;
  float: Figure[] | null;
  integer: Figure[];
  disagree: number;
  compared: number;
  float_confusion: { counts: number[][] } | null;
  integer_confusion: { counts: number[][] } | null;
  answers: Answer[];
  layers: LayerError[];
  stale: boolean;
}

export interface CurvePoint {
  false_accepts_per_hour: number;
  interval: [number, number];
  missed: number;
  missed_interval: [number, number];
}

export interface Miss {
  track: number;
  label: string;
  start_s: number;
  end_s: number;
}

export interface Alarm {
  track: number;
  at_s: number;
  told: string;
  said: string | null;
  score: number;
}

export interface Point extends CurvePoint {
  max_false_accepts_per_hour: number;
  hours: number;
  said: number;
  hits: number;
  false_accepts: number;
  confused: number;
  twice: number;
  smooth: number;
  refractory: number;
  words: { label: string; threshold: number; said: number; detected: number; false_accepts: number }[];
  misses: Miss[];
  alarms: Alarm[];
}

export interface Tradeoff {
  hours: number;
  said: number;
  rate: number;
  curve: CurvePoint[];
  point: Point | null;
}

export interface Board {
  name: string;
  core: string;
  format: string;
  hint: string;
  fits: boolean;
  reason: string | null;
  flash_bytes: number | null;
  flash_room: number | null;
  ram_bytes: number | null;
  ram_room: number | null;
  instructions_per_second: number | null;
  clock: number | null;
}

export interface Device {
  inspect: Record<string, any>;
  boards: Board[];
}
