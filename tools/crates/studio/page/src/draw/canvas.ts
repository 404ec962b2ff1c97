// Canvases that are as sharp as the screen, in the theme's colours.

import { h } from "../ui/dom";

/** A colour of the theme. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Colours of curves, by number. */
export function curveColour(k: number): string {
  return colour(`curve-${(k % 6) + 1}`);
}

export type Paint = (to: CanvasRenderingContext2D, width: number, height: number) => void;

/** A picture that is painted again when its size or the theme changes. Its label is what a screen reader says. */
export function picture(label: string, height: number, paint: Paint): HTMLCanvasElement {
  const canvas = h("canvas", { role: "img", "aria-label": label, class: "picture" });
  canvas.style.height = `${height}px`;
  const draw = () => {
    const width = canvas.clientWidth;
    if (!canvas.isConnected || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const to = canvas.getContext("2d")!;
    to.scale(ratio, ratio);
    paint(to, width, height);
  };
  new ResizeObserver(draw).observe(canvas);
  const theme = () => (canvas.isConnected ? draw() : window.removeEventListener("theme", theme));
  window.addEventListener("theme", theme);
  return canvas;
}

// From dark to light with even steps of lightness, so that the picture reads without colour too.
const STOPS = [
  [9, 12, 35],
  [58, 22, 96],
  [132, 36, 103],
  [203, 66, 74],
  [246, 129, 52],
  [252, 232, 164],
];

/** The colour of a share between 0 and 1, as red, green, blue. */
export function heat(share: number): [number, number, number] {
  const at = Math.max(0, Math.min(1, share)) * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(at));
  const mix = (c: number) => STOPS[low][c] + (STOPS[low + 1][c] - STOPS[low][c]) * (at - low);
  return [mix(0), mix(1), mix(2)];
}
