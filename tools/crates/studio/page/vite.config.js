import { defineConfig } from "vite";

// Names without hashes and no source maps: the same sources give the same bytes, and the built files are checked in.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      input: { index: "index.html", worklet: "src/live/worklet.ts", capture: "src/audio/capture.ts" },
      output: {
        entryFileNames: "assets/[name].js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
      },
    },
  },
});
