// Closes a dialog when its backdrop is pressed. Judged by position: a press on the dialog's own border has the same
// target.

const isBeside = (dialog, { clientX, clientY }) => {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
};

/** `may()` can veto it. The press must begin on the backdrop, too: selecting text beyond the border closes nothing. */
export function closeOnBackdropPress(dialog, may = () => true) {
  let began = false;
  // With braces: a handler that returns false would cancel the press.
  dialog.onpointerdown = (event) => {
    began = event.target === dialog && isBeside(dialog, event);
  };
  dialog.onclick = (event) => {
    if (began && event.target === dialog && isBeside(dialog, event) && may()) dialog.close();
  };
}
