import type {
  ConvertEvent,
  EvaluationEvent,
  MemoryEvent,
  PerplexityEvent,
  ReferenceEvent,
  StartEvent,
} from '../job/events.ts';
import type { StageName } from '../job/stages.ts';

/** What is kept of a conversion's events for its report. */
export class Recorder {
  start: StartEvent | undefined;
  memory: MemoryEvent | undefined;
  reference: ReferenceEvent | undefined;
  evaluation: EvaluationEvent | undefined;
  readonly perplexity = new Map<PerplexityEvent['model'], PerplexityEvent>();
  /** Seconds, or `reused`. */
  readonly stages = new Map<StageName, number | 'reused'>();
  readonly warnings: string[] = [];

  see(event: ConvertEvent): void {
    switch (event.type) {
      case 'start':
        this.start = event;
        break;
      case 'stage':
        if (event.state !== 'started') this.stages.set(event.stage, event.seconds ?? 'reused');
        break;
      case 'memory':
        this.memory = event;
        break;
      case 'reference':
        this.reference = event;
        break;
      case 'evaluation':
        this.evaluation = event;
        break;
      case 'perplexity':
        this.perplexity.set(event.model, event);
        break;
      case 'warning':
        this.warnings.push(event.message);
        break;
    }
  }
}
