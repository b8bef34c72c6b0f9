// urql as people set it up: a document cache, HTTP for queries and mutations, a socket for subscriptions.
import { cacheExchange, Client as Urql, fetchExchange, type OperationResult, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

import { present } from './answer.js';
import { type Client, type Maker } from './client.js';
import { Stream } from './stream.js';

/** The data of a result. Fails on its error. */
function data<Answer>(result: OperationResult<Answer>): Answer {
  if (result.error) throw result.error;
  return present(result.data);
}

export const urql: Maker = (url, key) => {
  const authorization = { Authorization: `Bearer ${key}` };
  const socket = createClient({
    url: url.replace('http', 'ws'),
    connectionParams: authorization,
    webSocketImpl: WebSocket,
  });
  const client = new Urql({
    url,
    fetchOptions: { headers: authorization },
    // What is asked again is to come from the server, through the cache.
    requestPolicy: 'network-only',
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', ...request }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { ...request, query },
              { ...sink, next: ({ data, errors }) => sink.next({ data: data ?? null, ...(errors && { errors }) }) },
            ),
          }),
        }),
      }),
    ],
  });

  const asked: Client = {
    async query(document, variables) {
      return data(await client.query(document, variables).toPromise());
    },
    async mutate(document, variables) {
      return data(await client.mutation(document, variables).toPromise());
    },
    subscribe(document, variables) {
      return new Stream((next, fail) => {
        const following = client.subscription(document, variables).subscribe((result) => {
          if (result.error) fail(result.error);
          else next(present(result.data));
        });
        return () => following.unsubscribe();
      });
    },
    async close() {
      await socket.dispose();
    },
  };
  return asked;
};
