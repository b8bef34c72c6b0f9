// The days of the story: two weeks that begin on the Monday one to two weeks ahead, in UTC.
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const today = Math.floor(Date.now() / DAY) * DAY;
const monday = today + (7 + ((8 - new Date(today).getUTCDay()) % 7)) * DAY;

/** That time, `HH:MM`, `day` days after the Monday, as the API writes instants. */
export function at(clock: string, day = 0): string {
  const [hours = 0, minutes = 0] = clock.split(':').map(Number);
  return new Date(monday + day * DAY + (hours * 60 + minutes) * MINUTE).toISOString().replace('.000', '');
}

/** All of the two weeks. */
export const WINDOW = { from: at('00:00'), to: at('00:00', 14) };
