// Which operations of the clients' documents were run, and which were not.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';

import type { Client } from './client.js';
import * as operations from './operations.js';

/** The names of all operations there are. */
export const ALL: readonly string[] = Object.keys(operations)
  .filter((name) => name.endsWith('Document'))
  .map((name) => name.slice(0, -'Document'.length))
  .sort();

function nameOf(document: TypedDocumentNode<unknown, never>): string {
  for (const each of document.definitions) {
    if (each.kind === 'OperationDefinition' && each.name) return each.name.value;
  }
  throw new Error('an operation without a name');
}

/** The client, which adds to `ran` the name of each query and mutation that was answered, and of what it followed. */
export function recording(client: Client, ran: Set<string>): Client {
  return {
    async query(document, variables) {
      const answer = await client.query(document, variables);
      ran.add(nameOf(document));
      return answer;
    },
    async mutate(document, variables) {
      const answer = await client.mutate(document, variables);
      ran.add(nameOf(document));
      return answer;
    },
    subscribe(document, variables) {
      ran.add(nameOf(document));
      return client.subscribe(document, variables);
    },
    close: () => client.close(),
  };
}
