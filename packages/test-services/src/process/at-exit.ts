// SPDX-License-Identifier: Apache-2.0

const actions = new Set<() => void>();
let isListening = false;

/**
 * Runs a synchronous action if this process ends in an orderly way before the returned function is called.
 * The last one added runs first, so that servers are gone before their directories are.
 */
export function atProcessExit(action: () => void): () => void {
  if (!isListening) {
    isListening = true;
    process.once("exit", () => {
      for (const pending of [...actions].reverse()) {
        try {
          pending();
        } catch {
          // The process is ending: the others still get their turn, and the next start sweeps what stays.
        }
      }
    });
  }
  actions.add(action);
  return () => {
    actions.delete(action);
  };
}
