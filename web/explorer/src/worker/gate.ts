/** Lets a loop pass, holds it while paused, and ends it when stopped. */
export class Gate {
  private stopped = false;
  private open: (() => void) | null = null;
  private waiting: Promise<void> | null = null;

  constructor(private readonly onChange: (paused: boolean) => void) {}

  pause(): void {
    if (this.waiting || this.stopped) return;
    this.waiting = new Promise((resolve) => (this.open = resolve));
    this.onChange(true);
  }

  resume(): void {
    if (!this.waiting) return;
    this.open?.();
    this.waiting = null;
    this.onChange(false);
  }

  stop(): void {
    this.stopped = true;
    this.resume();
  }

  /** Before a new run. */
  reset(): void {
    this.stopped = false;
    this.resume();
  }

  /** Waits while paused; false once stopped. */
  async pass(): Promise<boolean> {
    while (this.waiting) await this.waiting;
    return !this.stopped;
  }
}
