// Needed by nobody in the first second, and fetched before the connection can be lost. Loaded by the shell when the page is idle.

/** Rejects, with nothing begun, when the connection went meanwhile; what is optional may be missed by itself. */
export async function rest(shell) {
  const { t, clock, announcer, socket } = shell;
  const [{ listenForButtons }, { ConnectionView }] = await Promise.all([import("../view/buttons.js"), import("../view/connection-view.js")]);
  listenForButtons(shell);
  import("../view/comforts.js").then(({ comforts }) => {
    shell.comforts = comforts(shell);
    shell.comforts.connected(socket.connection);
    shell.rows.renderSoon();
  }, () => {});
  // Fetched while the server is there: without a session it is the only thing this page can still say.
  import("../view/signed-out.js").catch(() => {});
  import("./installed.js").then(({ installed }) => (shell.installed = installed(shell)), () => {});
  shell.strip = new ConnectionView({ t, clock, say: (text) => announcer.status(text), onRetry: () => socket.wake() });
  if (globalThis.WebSocket) shell.strip.update(socket.connection);
  else shell.strip.tell(t("This browser cannot receive messages by itself. Reload this page to see what is new."));
}
