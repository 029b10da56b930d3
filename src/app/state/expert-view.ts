import type { ModuleFacts } from '../../../workers/api/model.ts';
import type { ModuleView } from './job-view.ts';

/** What is known of one of a layer's experts. */
export interface ExpertView {
  readonly expert: number;
  /** Calibration tokens that were sent to it. */
  readonly tokens: number | undefined;
  /** Relative errors of its linears' own outputs, by name. */
  readonly errors: Readonly<Record<string, number>>;
}

/** A module's experts, by number; none before one of them is quantized, and of what has none. */
export function expertViews({ experts = 0, linears }: ModuleFacts, view: ModuleView): ExpertView[] {
  const { expertErrors = {}, expertTokens } = view;
  const all = Array.from({ length: experts }, (_, expert): ExpertView => {
    const errors = linears.flatMap(({ name }): [string, number][] => {
      const error = expertErrors[name]?.[expert];
      return error === undefined ? [] : [[name, error]];
    });
    return { expert, tokens: expertTokens?.[expert], errors: Object.fromEntries(errors) };
  });
  return all.some(isKnown) ? all : [];
}

const isKnown = ({ tokens, errors }: ExpertView): boolean =>
  tokens !== undefined || Object.keys(errors).length > 0;
