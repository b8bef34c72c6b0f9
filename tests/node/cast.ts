// Who acts in the story: one client for each key, and what staff made for them to act on.
import type { Client } from './client.js';

export interface Cast {
  /** The endpoint's address. */
  readonly url: string;
  readonly admin: Client;
  readonly staff: Client;
  readonly customer: Client;
}

/** What is on offer: Cara, who gives massages of an hour, open 09:00 to 17:00 UTC on every day of the week. */
export interface Offer {
  readonly massage: string;
  readonly cara: string;
}
