/** The whole screen for the page; call `toggleFullScreen` from a tap. */

/** Whether the browser can at all: telephones of one maker cannot. */
export const canFullScreen = () => Boolean(document.documentElement.requestFullscreen);

export const isFullScreen = () => document.fullscreenElement !== null;

/** Enter or leave; returns whether the page has the whole screen now. */
export async function toggleFullScreen() {
  try {
    if (isFullScreen()) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen({ navigationUI: "hide" });
  } catch {
    return isFullScreen(); // the browser refused: it was not a tap, or the page is in a frame
  }
  return isFullScreen();
}
