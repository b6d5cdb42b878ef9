/** Wakes who waits for something to consume: one consume of this class's owner, and a listener for each time. */
export class Availability {
  #wake: (() => void) | undefined;
  #listener: (() => void) | undefined;

  onAvailable(listener: () => void): void {
    this.#listener = listener;
  }

  signal(): void {
    this.#wake?.();
    this.#listener?.();
  }

  /** Until the next signal, or so many milliseconds. For one caller at a time. */
  wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#wake = wake;
    });
  }
}
