// A press beside a dialog closes it. Judged by the place: a press on the dialog's own rim has the same target as one on the backdrop.

const isBeside = (dialog, { clientX, clientY }) => {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
};

/** `may()` is asked first. The press has to begin there, too: text that is selected out over the rim closes nothing. */
export function closeOnBackdropPress(dialog, may = () => true) {
  let began = false;
  // With braces: such a handler that returns false would call off what the press does.
  dialog.onpointerdown = (event) => {
    began = event.target === dialog && isBeside(dialog, event);
  };
  dialog.onclick = (event) => {
    if (began && event.target === dialog && isBeside(dialog, event) && may()) dialog.close();
  };
}
