// The last chapter: an admin ties Cara to a calendar in which there is one event, DENTIST, and ends it again.
import assert from 'node:assert/strict';

import { done, present } from './answer.js';
import type { Cast, Offer } from './cast.js';
import { at, WINDOW } from './day.js';
import * as run from './operations.js';

const ANNA = 'anna@example.com';
const DENTIST = 'Dentist';

export async function google(cast: Cast, offer: Offer): Promise<void> {
  const bookingId = await wordings(cast, offer);
  const { calendar } = await cast.staff.query(run.CalendarDocument, WINDOW);
  const optionIds = [offer.cara];
  const changes = cast.staff.subscribe(run.CalendarChangesDocument, { after: calendar.cursor, optionIds });
  const health = cast.staff.subscribe(run.SyncHealthChangesDocument, { optionIds });
  assert.equal((await health.next()).syncHealthChanges.option.google, null);

  await signIn(cast, offer);
  await link(cast, offer);
  await health.until(({ syncHealthChanges: { option } }) => option.google?.health.inbound.lastCompletedAt != null);
  const awaited = new Set(['GoogleEvent', 'Booking']);
  await changes.until(({ calendarChanges: { entry } }) => {
    if (entry?.__typename === 'GoogleEvent' && entry.title === DENTIST) awaited.delete('GoogleEvent');
    if (entry?.__typename === 'Booking' && entry.mirror?.state === 'MIRRORED') awaited.delete('Booking');
    return awaited.size === 0;
  });
  await inStep(cast, offer, bookingId);
  await leave(cast, offer);
  await health.until(({ syncHealthChanges: { option } }) => option.google === null);
  changes.stop();
  health.stop();
}

/** How bookings are written into Google: the id of a booking that is going to be. */
async function wordings({ admin }: Cast, { massage, cara }: Offer): Promise<string> {
  const wanted = { serviceId: massage, optionId: cara, start: at('09:00', 3), customer: { name: 'Eva Berg' } };
  const { createBooking } = await admin.mutate(run.BookDocument, { input: wanted });
  const bookingId = present(done(createBooking).booking).id;

  const { googleCalendarSettings } = await admin.query(run.GoogleCalendarSettingsDocument, {});
  const name = present(googleCalendarSettings.placeholders.find(({ keyword }) => keyword === 'customer_name'));
  const title = `Visit: {${name.keyword}}`;
  const texts = { title, description: '', location: '', bookingId };
  const { googleCalendarPreview } = await admin.query(run.GoogleCalendarPreviewDocument, texts);
  assert.equal(done(googleCalendarPreview).title, 'Visit: Eva Berg');

  const { updateGoogleCalendarSettings } = await admin.mutate(run.UpdateGoogleCalendarSettingsDocument, {
    input: { titleTemplate: title },
  });
  assert.equal(done(updateGoogleCalendarSettings).settings?.titleTemplate, title);
  return bookingId;
}

/** Goes to Google's consent page, agrees as Anna, and comes back with the ticket. */
async function signIn({ admin, url }: Cast, { cara }: Offer): Promise<void> {
  const returnTo = new URL('/edit', url).href;
  const wanted = { optionId: cara, returnTo };
  const { startGoogleSignIn } = await admin.mutate(run.StartGoogleSignInDocument, { input: wanted });
  const page = present(done(startGoogleSignIn).authorizationUrl);
  const clicked = new URLSearchParams({ decision: 'allow', account: ANNA });
  for (const scope of present(new URL(page).searchParams.get('scope')).split(' ')) clicked.append('scope', scope);

  const callback = await redirected(page, { method: 'POST', body: clicked });
  const back = await redirected(callback);
  assert.ok(back.href.startsWith(returnTo));
  const ticket = present(back.searchParams.get('google_ticket'));
  const { completeGoogleSignIn } = await admin.mutate(run.CompleteGoogleSignInDocument, { input: { ticket } });
  const connection = present(done(completeGoogleSignIn).option?.google);
  assert.deepEqual([connection.account.email, connection.account.state], [ANNA, 'CONNECTED']);
  assert.equal(connection.calendar, null);

  const { googleAccounts } = await admin.query(run.GoogleAccountsDocument, {});
  const known = present(googleAccounts.find(({ email }) => email === ANNA));
  assert.deepEqual([known.id, known.state], [connection.account.id, 'CONNECTED']);
  const again = { optionId: cara, accountId: known.id };
  const { useGoogleAccount } = await admin.mutate(run.UseGoogleAccountDocument, { input: again });
  assert.equal(done(useGoogleAccount).option?.google?.account.id, known.id);
}

/** Where a page sends the browser. */
async function redirected(page: string | URL, init: RequestInit = {}): Promise<URL> {
  const answer = await fetch(page, { ...init, redirect: 'manual' });
  return new URL(present(answer.headers.get('location')));
}

async function link({ admin }: Cast, { cara }: Offer): Promise<void> {
  const { option } = await admin.query(run.GoogleCalendarChoicesDocument, { optionId: cara });
  const first = present(option?.google?.account.calendars.find(({ primary }) => primary));
  assert.deepEqual([first.googleId, first.accessRole], [ANNA, 'OWNER']);

  const rule = { optionId: cara, calendarId: first.googleId, blocking: 'ALL_EVENTS' as const };
  const tried = { input: { ...rule, ...WINDOW } };
  const { googleRoutingPreview } = await admin.query(run.GoogleRoutingPreviewDocument, tried);
  assert.equal(googleRoutingPreview.total, 1);
  const [event] = googleRoutingPreview.events;
  assert.deepEqual([event?.title, event?.blocks.map(({ name }) => name)], [DENTIST, ['Cara']]);

  const { linkGoogleCalendar } = await admin.mutate(run.LinkGoogleCalendarDocument, { input: rule });
  const linked = present(done(linkGoogleCalendar).option?.google);
  assert.deepEqual([linked.calendar?.googleId, linked.blocking], [ANNA, 'ALL_EVENTS']);
}

async function inStep({ admin, staff }: Cast, { cara }: Offer, bookingId: string): Promise<void> {
  const { syncGoogleCalendar } = await admin.mutate(run.SyncGoogleCalendarDocument, { input: { optionId: cara } });
  assert.ok(done(syncGoogleCalendar).option?.google);

  const { calendar } = await staff.query(run.CalendarDocument, { ...WINDOW, optionIds: [cara] });
  const event = present(calendar.entries.find(({ title }) => title === DENTIST));
  assert.ok(event.__typename === 'GoogleEvent');
  assert.deepEqual([event.calendar.summary, event.blockedOptions], [ANNA, [{ ...event.blockedOptions[0], id: cara }]]);
  const booking = present(calendar.entries.find(({ id }) => id === bookingId));
  assert.ok(booking.__typename === 'Booking');
  assert.deepEqual([booking.mirror?.state, booking.mirror?.error], ['MIRRORED', null]);
}

async function leave({ admin }: Cast, { cara }: Offer): Promise<void> {
  const { unlinkGoogleCalendar } = await admin.mutate(run.UnlinkGoogleCalendarDocument, { input: { optionId: cara } });
  const connection = present(done(unlinkGoogleCalendar).option?.google);
  assert.equal(connection.calendar, null);

  const input = { accountId: connection.account.id };
  const { disconnectGoogleAccount } = await admin.mutate(run.DisconnectGoogleAccountDocument, { input });
  assert.deepEqual(done(disconnectGoogleAccount).options.map(({ id }) => id), [cara]);
}
