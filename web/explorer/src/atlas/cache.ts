/**
 * What was loaded, by name, the least recently used first to go once the bound is reached. Asking twice while the
 * first is under way gives the same promise; a failure is not kept.
 */
export class Cache<T> {
  private readonly held = new Map<string, { value: Promise<T>; bytes: number; ready?: T }>();
  private total = 0;

  constructor(
    private readonly bound: number,
    private readonly sizeOf: (value: T) => number,
  ) {}

  get bytes(): number {
    return this.total;
  }

  get(key: string, load: () => Promise<T>): Promise<T> {
    const known = this.held.get(key);
    if (known) {
      this.held.delete(key);
      this.held.set(key, known);
      return known.value;
    }
    const entry: { value: Promise<T>; bytes: number; ready?: T } = { value: load(), bytes: 0 };
    this.held.set(key, entry);
    entry.value.then(
      (value) => {
        if (this.held.get(key) !== entry) return;
        entry.ready = value;
        entry.bytes = this.sizeOf(value);
        this.total += entry.bytes;
        this.evict(key);
      },
      () => {
        if (this.held.get(key) === entry) this.held.delete(key);
      },
    );
    return entry.value;
  }

  /** What is there already, without waiting; does not count as use. */
  peek(key: string): T | undefined {
    return this.held.get(key)?.ready;
  }

  /** Lets go of the oldest until the bound holds; the newest stays whatever its size. */
  private evict(newest: string): void {
    for (const [key, entry] of this.held) {
      if (this.total <= this.bound) return;
      if (key === newest || entry.bytes === 0) continue;
      this.held.delete(key);
      this.total -= entry.bytes;
    }
  }
}
