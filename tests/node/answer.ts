// What an answer must be before the story goes on with it.
import assert from 'node:assert/strict';

interface Payload {
  readonly errors: readonly { readonly code: string; readonly message: string }[];
}

/** The value, which must be there. */
export function present<T>(value: T): NonNullable<T> {
  assert.ok(value !== null && value !== undefined, 'something that must be there is missing');
  return value;
}

/** The payload of a mutation that did what it was asked to. */
export function done<P extends Payload>(payload: P | null): P {
  const known = present(payload);
  assert.deepEqual(known.errors, []);
  return known;
}
