// A bare graphql-transport-ws socket, for what no client does: messages in the wrong order, and none at all.
import { once } from 'node:events';

import { GRAPHQL_TRANSPORT_WS_PROTOCOL, type Message, parseMessage } from 'graphql-ws';
import { WebSocket } from 'ws';

import { within } from './stream.js';

/** What is to be sent: text as it is, all else as JSON. */
type Sent = string | Record<string, unknown>;

/** Opens a socket, sends these messages in order, and reads it to its end: the close code. */
export async function closeCode(url: string, ...messages: Sent[]): Promise<number> {
  const socket = new WebSocket(url, GRAPHQL_TRANSPORT_WS_PROTOCOL);
  const closed = once(socket, 'close');
  await within(once(socket, 'open'), 'An open socket');
  for (const each of messages) socket.send(typeof each === 'string' ? each : JSON.stringify(each));
  const [code] = await within(closed, 'The close of a socket');
  return Number(code);
}

/** Opens a socket, sends these messages in order, and reads as many: fails on one that is none of the protocol's. */
export async function answers(url: string, count: number, ...messages: Sent[]): Promise<Message[]> {
  const socket = new WebSocket(url, GRAPHQL_TRANSPORT_WS_PROTOCOL);
  const told: Message[] = [];
  const enough = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      told.push(parseMessage(String(data)));
      if (told.length === count) resolve();
    });
  });
  await within(once(socket, 'open'), 'An open socket');
  for (const each of messages) socket.send(typeof each === 'string' ? each : JSON.stringify(each));
  await within(enough, `${count} messages`);
  socket.close();
  return told;
}
