// Apollo Client as people set it up: a normalised cache, HTTP for queries and mutations, a socket for subscriptions.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client/core';
import { loadDevMessages, loadErrorMessages } from '@apollo/client/dev';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

import { present } from './answer.js';
import { type Client, type Maker } from './client.js';
import generated from './operations.js';
import { Stream } from './stream.js';

loadDevMessages();
loadErrorMessages();

export const apollo: Maker = (url, key) => {
  const authorization = { Authorization: `Bearer ${key}` };
  const socket = createClient({
    url: url.replace('http', 'ws'),
    connectionParams: authorization,
    webSocketImpl: WebSocket,
  });
  const client = new ApolloClient({
    cache: new InMemoryCache({ possibleTypes: generated.possibleTypes }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: url, headers: authorization }),
    ),
    // What is asked again is to come from the server, through the cache.
    defaultOptions: { query: { fetchPolicy: 'network-only' } },
  });

  const asked: Client = {
    async query(document, variables) {
      const { data } = await client.query({ query: document, variables });
      return present(data);
    },
    async mutate(document, variables) {
      const { data } = await client.mutate({ mutation: document, variables });
      return present(data);
    },
    subscribe(document, variables) {
      return new Stream((next, fail, end) => {
        const answers = client.subscribe({ query: document, variables });
        const following = answers.subscribe({
          next: ({ data, error }) => (error ? fail(error) : next(present(data))),
          error: fail,
          complete: end,
        });
        return () => following.unsubscribe();
      });
    },
    async close() {
      client.stop();
      await socket.dispose();
    },
  };
  return asked;
};
