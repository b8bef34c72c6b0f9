// What a subscription sends, to be awaited one by one.

/** Milliseconds after which something that must come is given up. */
export const PATIENCE = 20_000;

/** Settles as `wanted` does, or fails when it takes longer than PATIENCE. */
export async function within<T>(wanted: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  // Made here, where the stack still says who waits.
  const given = new Error(`${what} did not come`);
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(given), PATIENCE);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}

type Sent<T> = { value: T } | { failure: unknown } | 'end';

/** A queue between a client's callbacks and who awaits; `stop` unsubscribes. */
export class Stream<T> {
  readonly #sent: Sent<T>[] = [];
  #wake = (): void => {};
  readonly #unsubscribe: () => void;

  /** `begin` subscribes with the three callbacks it is given, and answers how to unsubscribe. */
  constructor(begin: (next: (value: T) => void, fail: (failure: unknown) => void, end: () => void) => () => void) {
    this.#unsubscribe = begin(
      (value) => this.#put({ value }),
      (failure) => this.#put({ failure }),
      () => this.#put('end'),
    );
  }

  /** The next value. Fails on an error and on the stream's end. */
  async next(): Promise<T> {
    const sent = await this.#take();
    if (sent === 'end') throw new Error('The stream ended');
    if ('failure' in sent) throw sent.failure;
    return sent.value;
  }

  /** The first value from here on that fits; what comes before it is passed over. */
  async until(fits: (value: T) => boolean): Promise<T> {
    for (;;) {
      const value = await this.next();
      if (fits(value)) return value;
    }
  }

  /** Waits for the stream's end. Fails when something else comes first. */
  async ended(): Promise<void> {
    const sent = await this.#take();
    if (sent !== 'end') throw new Error(`The stream did not end: ${JSON.stringify(sent)}`);
  }

  stop(): void {
    this.#unsubscribe();
  }

  #put(sent: Sent<T>): void {
    this.#sent.push(sent);
    this.#wake();
  }

  async #take(): Promise<Sent<T>> {
    for (;;) {
      const sent = this.#sent.shift();
      if (sent !== undefined) return sent;
      const arrival = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await within(arrival, 'The next message of a stream');
    }
  }
}
