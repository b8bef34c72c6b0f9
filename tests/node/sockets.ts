// graphql-ws's own client, and its protocol spoken wrongly: node built/sockets.js URL KEY, with a staff key.
// The business has two options. Prints each check that was passed, and ends with 0 when all were.
import assert from 'node:assert/strict';

import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { type Client, type ClientOptions, CloseCode, createClient, MessageType } from 'graphql-ws';
import { WebSocket } from 'ws';

import { done, present } from './answer.js';
import type { Variables } from './client.js';
import { at, WINDOW } from './day.js';
import * as run from './operations.js';
import { Stream, within } from './stream.js';
import { answers, closeCode } from './wire.js';

const [http = '', key = ''] = process.argv.slice(2);
if (!http || !key) {
  console.error('usage: node built/sockets.js URL KEY');
  process.exit(2);
}
const url = http.replace('http', 'ws');
const authorization = { Authorization: `Bearer ${key}` };

function connect(options: Partial<ClientOptions> = {}): Client {
  return createClient({ url, connectionParams: authorization, webSocketImpl: WebSocket, ...options });
}

/** The client by which things happen that are to be followed. */
const desk = connect({ lazy: false });

/** Runs an operation over a client's socket. */
function follow<A, V extends Variables>(client: Client, document: TypedDocumentNode<A, V>, variables: V): Stream<A> {
  return new Stream((next, fail, end) =>
    client.subscribe<A>(
      { query: print(document), variables },
      {
        next: ({ data, errors }) => (errors ? fail(errors) : next(present(data))),
        error: fail,
        complete: end,
      },
    ),
  );
}

/** Asks once over the desk's socket. Fails unless the server completes what it answered. */
async function ask<A, V extends Variables>(document: TypedDocumentNode<A, V>, variables: V): Promise<A> {
  const answered = follow(desk, document, variables);
  const answer = await answered.next();
  await answered.ended();
  return answer;
}

const home = await ask(run.HomeDocument, {});
const [one, other] = home.options.nodes.map(({ id }) => id);
const anna = present(one);
const ben = present(other);

/** Makes a change to an option: the id of the new entry. */
async function close(optionId: string): Promise<string> {
  const input = { optionId, start: at('12:00'), end: at('13:00') };
  const { createTimeOff } = await ask(run.CreateTimeOffDocument, { input });
  return present(done(createTimeOff).timeOff).id;
}

/** Follows what happens to an option from now on. */
async function watch(client: Client, optionId: string): Promise<Stream<run.CalendarChangesSubscription>> {
  const { calendar } = await ask(run.CalendarDocument, WINDOW);
  return follow(client, run.CalendarChangesDocument, { after: calendar.cursor, optionIds: [optionId] });
}

async function aDocumentThatCannotRunEndsWithAnErrorAndNotTheSocket(): Promise<void> {
  const wrong = new Stream<unknown>((next, error, complete) =>
    desk.subscribe({ query: '{ nonsense }' }, { next, error, complete }),
  );
  await assert.rejects(wrong.next(), (errors) => {
    assert.ok(Array.isArray(errors));
    return errors[0].extensions.code === 'BAD_USER_INPUT';
  });
  assert.equal((await ask(run.HomeDocument, {})).viewer.role, 'STAFF');
}

async function streamsShareASocketAndEndOneByOne(): Promise<void> {
  let opened = 0;
  const sending = new Set<string>();
  const client = connect({ on: { opened: () => (opened += 1) } });
  const hers = await watch(client, anna);
  const his = await watch(client, ben);
  const made = [await close(anna), await close(ben)];
  const told = [(await hers.next()).calendarChanges.entryId, (await his.next()).calendarChanges.entryId];
  assert.deepEqual(told, made);

  hers.stop();
  client.on('message', (message) => {
    if (message.type === MessageType.Next) sending.add(message.id);
  });
  await close(anna);
  const last = await close(ben);
  assert.equal((await his.next()).calendarChanges.entryId, last);
  assert.deepEqual([sending.size, opened], [1, 1]);
  await client.dispose();
}

async function aPingIsAnsweredWithAPong(): Promise<void> {
  const client = connect({ keepAlive: 5 });
  const stream = await watch(client, anna);
  const pongs = new Promise<void>((resolve) => {
    let left = 3;
    client.on('pong', (received) => {
      if (received && (left -= 1) === 0) resolve();
    });
  });
  await within(pongs, 'The third pong');
  const made = await close(anna);
  assert.equal((await stream.next()).calendarChanges.entryId, made);
  await client.dispose();

  const begin = { type: MessageType.ConnectionInit, payload: authorization };
  const told = await answers(url, 2, begin, { type: MessageType.Ping, payload: { sent: 1 } });
  assert.deepEqual(told.map(({ type }) => type), [MessageType.ConnectionAck, MessageType.Pong]);
}

async function aConnectionThatBreaksIsOpenedAgainAndNothingIsMissed(): Promise<void> {
  let mend = (): void => {};
  const mended = new Promise<void>((resolve) => {
    mend = resolve;
  });
  const retries: boolean[] = [];
  let socket: WebSocket | undefined;
  const client = connect({
    retryAttempts: 3,
    retryWait: () => mended,
    on: {
      opened: (fresh) => (socket = fresh instanceof WebSocket ? fresh : undefined),
      connected: (_socket, _payload, wasRetry) => retries.push(wasRetry),
    },
  });
  const stream = await watch(client, anna);
  const before = await close(anna);
  assert.equal((await stream.next()).calendarChanges.entryId, before);

  const broken = new Promise<void>((resolve) => client.on('closed', () => resolve()));
  present(socket).terminate();
  await within(broken, 'The break of the connection');
  const meanwhile = await close(anna);
  mend();
  await stream.until(({ calendarChanges }) => calendarChanges.entryId === meanwhile);
  const after = await close(anna);
  assert.equal((await stream.next()).calendarChanges.entryId, after);
  assert.deepEqual(retries, [false, true]);
  await client.dispose();
}

async function aWrongKeyIsRefused(): Promise<void> {
  const client = connect({ connectionParams: { Authorization: 'Bearer nonsense' }, retryAttempts: 0 });
  const stream = follow(client, run.HomeDocument, {});
  await assert.rejects(stream.next(), { code: CloseCode.Forbidden });
  await client.dispose();
}

async function theWrongOrderClosesTheSocket(): Promise<void> {
  const begin = { type: MessageType.ConnectionInit, payload: authorization };
  const payload = { query: print(run.CalendarChangesDocument) };
  const subscribe = { type: MessageType.Subscribe, id: '1', payload };
  assert.equal(await closeCode(url, subscribe), CloseCode.Unauthorized);
  assert.equal(await closeCode(url, begin, begin), CloseCode.TooManyInitialisationRequests);
  assert.equal(await closeCode(url, begin, subscribe, subscribe), CloseCode.SubscriberAlreadyExists);
  assert.equal(await closeCode(url, begin, 'nonsense'), CloseCode.BadRequest);
  assert.equal(await closeCode(url, begin, { type: 'nonsense' }), CloseCode.BadRequest);
}

const CHECKS = [
  aDocumentThatCannotRunEndsWithAnErrorAndNotTheSocket,
  streamsShareASocketAndEndOneByOne,
  aPingIsAnsweredWithAPong,
  aConnectionThatBreaksIsOpenedAgainAndNothingIsMissed,
  aWrongKeyIsRefused,
  theWrongOrderClosesTheSocket,
];
for (const check of CHECKS) {
  await check();
  console.log(check.name);
}
await desk.dispose();
