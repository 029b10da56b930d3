/** Access to folders of an earlier visit: browsers give it again only when they are asked at a click. */

/** The user, or the browser, did not give access to a folder. */
class PermissionError extends Error {
  override readonly name = 'PermissionError';
}

/** Asks for access to a folder. Throws PermissionError when it is not given. */
export async function askForFolder(
  handle: FileSystemDirectoryHandle,
  mode: 'read' | 'readwrite',
): Promise<void> {
  if ((await answerFor(handle, mode)) === 'granted') return;
  const what = mode === 'read' ? 'read' : 'write to';
  throw new PermissionError(
    `The browser did not allow the page to ${what} the folder “${handle.name}”. Try again and choose “Allow”; ` +
      'if it does not ask any more, allow it in the site’s settings, beside the address.',
  );
}

async function answerFor(
  handle: FileSystemDirectoryHandle,
  mode: 'read' | 'readwrite',
): Promise<PermissionState> {
  try {
    return (await handle.requestPermission?.({ mode })) ?? 'granted';
  } catch (error) {
    // A click counts for some seconds only, and the question before may have taken longer.
    if (!(error instanceof DOMException) || error.name !== 'SecurityError') throw error;
    throw new PermissionError(
      `The browser wants another click before it asks for the folder “${handle.name}”: try again.`,
    );
  }
}
