import { canPickFolders, pickOutput } from '../platform/folders.ts';
import { useApp } from '../state/app-state.ts';

/** Where the files go. */
export function PlanOutput() {
  const { draft } = useApp();
  const output = draft.output.value;
  const choose = async () => {
    const handle = await pickOutput();
    if (handle) draft.output.value = { kind: 'handle', handle };
  };
  const pickable = canPickFolders();
  return (
    <fieldset class="field">
      <legend>Where the files go</legend>
      {pickable && (
        <label class="option">
          <input
            type="radio"
            name="output"
            checked={output?.kind === 'handle'}
            // Chosen only when the user has chosen a folder.
            onClick={(event) => {
              if (output?.kind !== 'handle') event.preventDefault();
              void choose();
            }}
          />
          <span>
            {output?.kind === 'handle' ? (
              <>
                The folder <strong>{output.handle.name}</strong>{' '}
                <span class="note">— click to choose another</span>
              </>
            ) : (
              <>A folder on this computer…</>
            )}
          </span>
        </label>
      )}
      <label class="option">
        <input
          type="radio"
          name="output"
          checked={output?.kind === 'storage'}
          onChange={() => {
            draft.output.value = { kind: 'storage' };
          }}
        />
        <span>
          The browser’s own storage, to download at the end
          {!pickable && <span class="note"> — this browser cannot write to folders</span>}
        </span>
      </label>
    </fieldset>
  );
}
