const CHECK_EVERY_MS = 20;

/** Waits for what arrives: until a condition holds, or nothing new has come for too long. */
export class Arrivals {
  #lastMs = performance.now();

  /** Something new arrived. */
  note() {
    this.#lastMs = performance.now();
  }

  /** Resolves to whether `condition` came true; to false when nothing new arrived for `quietMsMax`. */
  until(condition, quietMsMax) {
    this.note();
    return new Promise((resolve) => {
      const check = setInterval(() => {
        const met = condition();
        if (!met && performance.now() - this.#lastMs < quietMsMax) return;
        clearInterval(check);
        resolve(met);
      }, CHECK_EVERY_MS);
    });
  }
}
