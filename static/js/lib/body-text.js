// The text of a message before it is sent: normalised and judged by the same rules as on the server
// (accounts/texts.py, conversations/protocol/text.py).

// Invisible on its own: white space, control characters, default-ignorable characters of any class, and fillers that
// count as letters. Written out, because each browser has its own Unicode version; tests/protocol/blank.json keeps it
// equal to the server's table.
const VISIBLE = new RegExp(
  "[^\\u{0}-\\u{20}\\u{7f}-\\u{a0}\\u{ad}\\u{34f}\\u{61c}\\u{115f}\\u{1160}\\u{1680}\\u{17b4}\\u{17b5}" +
    "\\u{180b}-\\u{180f}\\u{2000}-\\u{200f}\\u{2028}-\\u{202f}\\u{205f}-\\u{206f}\\u{2800}\\u{3000}" +
    "\\u{3164}\\u{fe00}-\\u{fe0f}\\u{feff}\\u{ffa0}\\u{fff0}-\\u{fffb}\\u{13430}-\\u{1343f}\\u{13441}" +
    "\\u{13442}\\u{16fe4}\\u{1bca0}-\\u{1bca3}\\u{1d159}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]",
  "u",
);

/** As the server counts and keeps it: one form of every character, one kind of line end. */
export const normalised = (text) => text.replace(/\r\n?/g, "\n").normalize("NFC");

/** As it is sent: without the empty lines after the last line of text. Spaces on that line stay. */
export function sendable(text) {
  const whole = normalised(text);
  const said = whole.trimEnd().length;
  const end = whole.indexOf("\n", said);
  return end < 0 ? whole : whole.slice(0, end);
}

/** No visible character: not even a message of one space. */
export const isBlank = (text) => !VISIBLE.test(text);
