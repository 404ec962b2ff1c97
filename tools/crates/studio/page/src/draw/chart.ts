// Curves by uPlot, in the theme's colours.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { h } from "../ui/dom";
import { colour, curveColour } from "./canvas";

export interface Curve {
  label: string;
  values: (number | null)[];
  /** Number of its colour. */
  colour: number;
  dash?: boolean;
  dots?: boolean;
}

export interface ChartOptions {
  label: string;
  height: number;
  x: string;
  y?: string;
  format?: (value: number) => string;
  log?: boolean;
  /** Whether the names of the curves stand under it. */
  legend?: boolean;
}

export interface Chart {
  node: HTMLElement;
  set(x: number[], curves: Curve[]): void;
  /** The plot itself, for what is drawn over it; null before it has a size. */
  plot(): uPlot | null;
  end(): void;
}

function axis(label: string, values?: (self: uPlot, splits: number[]) => string[]): uPlot.Axis {
  return {
    label,
    labelSize: 18,
    size: 46,
    font: "11px system-ui",
    labelFont: "11px system-ui",
    stroke: () => colour("dim"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    ...(values ? { values } : {}),
  };
}

/** A chart; it is made again when the number of curves or the theme changes. */
export function chart(options: ChartOptions): Chart {
  const node = h("div", { class: "chart", role: "img", "aria-label": options.label });
  const format = options.format ?? ((v: number) => v.toPrecision(3));
  let plot: uPlot | null = null;
  let last: { x: number[]; curves: Curve[] } = { x: [], curves: [] };
  let made = "";

  function make(): void {
    plot?.destroy();
    const shape = last.curves.map((c): uPlot.Series => ({
      label: c.label,
      stroke: curveColour(c.colour),
      width: 1.75,
      dash: c.dash ? [4, 4] : undefined,
      points: { show: c.dots ?? last.x.length < 3 },
      value: (_, v) => (v === null ? "–" : format(v)),
      spanGaps: true,
    }));
    plot = new uPlot(
      {
        width: Math.max(120, node.clientWidth),
        height: options.height,
        cursor: { drag: { x: false, y: false } },
        legend: { show: options.legend ?? true, live: true },
        scales: { x: { time: false, distr: options.log ? 3 : 1 } },
        axes: [{ ...axis(options.x), size: 30 }, axis(options.y ?? "", (_, splits) => splits.map((v) => (v === null ? "" : format(v))))],
        series: [{ label: options.x }, ...shape],
      },
      data(),
      node,
    );
  }
  const data = () => [last.x, ...last.curves.map((c) => c.values)] as uPlot.AlignedData;
  const describe = () => {
    const ends = last.curves.map((c) => [c.label, c.values.filter((v) => v !== null).at(-1)] as const);
    const said = ends.filter(([, v]) => v !== undefined).map(([label, v]) => `${label} ${format(v as number)}`);
    node.setAttribute("aria-label", `${options.label}: ${said.join(", ")}`);
  };
  const again = () => node.clientWidth > 0 && last.curves.length > 0 && make();
  const sizes = new ResizeObserver(() => {
    if (plot) plot.setSize({ width: Math.max(120, node.clientWidth), height: options.height });
    else again();
  });
  sizes.observe(node);
  window.addEventListener("theme", again);

  return {
    node,
    set(x, curves) {
      last = { x, curves };
      describe();
      const shape = curves.map((c) => `${c.label} ${c.colour} ${c.dash}`).join("|") + (x.length < 3);
      if (shape === made && plot) plot.setData(data());
      else again();
      made = shape;
    },
    plot: () => plot,
    end() {
      sizes.disconnect();
      window.removeEventListener("theme", again);
      plot?.destroy();
    },
  };
}
