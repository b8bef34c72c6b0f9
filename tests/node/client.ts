// What the story asks of a GraphQL client; Apollo Client and urql each are one.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';

import type { Stream } from './stream.js';

export type Variables = Record<string, unknown>;

/** One key's client. Each method fails on a GraphQL error and on an answer without data. */
export interface Client {
  query<Answer, V extends Variables>(document: TypedDocumentNode<Answer, V>, variables: V): Promise<Answer>;
  mutate<Answer, V extends Variables>(document: TypedDocumentNode<Answer, V>, variables: V): Promise<Answer>;
  subscribe<Answer, V extends Variables>(document: TypedDocumentNode<Answer, V>, variables: V): Stream<Answer>;
  /** Lets go of the socket, so that the process can end. */
  close(): Promise<void>;
}

/** Makes the client of one key for the endpoint at `url`. */
export type Maker = (url: string, key: string) => Client;
