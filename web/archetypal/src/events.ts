import type { SaeSettings, TrainSettings } from './settings.js';

/** What happens during training, as it stands in the log of the command. Figures that are not finite are null. */
export type TrainEvent =
  | {
      /** Training starts, or goes on. */
      event: 'configuration';
      model: SaeSettings;
      training: TrainSettings;
      /** Name of what computes. */
      device: string;
      /** Rows in the data. */
      rows: number;
      /** Steps of the whole run. */
      steps: number;
      /** The step it starts at: above 0 if it was resumed. */
      from_step: number;
      /** How steps compute. */
      path: 'factored' | 'atoms' | 'dense';
    }
  | {
      /** A step was done. On a GPU, several are told of together. */
      event: 'step';
      /** Number, from 0. */
      step: number;
      /** Epoch, from 0. */
      epoch: number;
      /** Rows in its batch. */
      rows: number;
      /** Loss of its batch, before the update. */
      step_loss: number;
      /** 1 − Σ(x − x̂)² / (rows · the data's variance), of its batch. */
      r2: number;
      /** Mean active codes a row. */
      l0: number;
      /** Norm of all gradients before clipping. */
      grad_norm: number;
      /** Learning rate used. */
      lr: number;
      /** Values of the loss's terms beside the squared error, by name. */
      terms?: Record<string, number>;
      /** With `monitoring: 2`: ‖Z‖₂, the share of the dictionary that is not 0, and the mean length of its atoms. */
      z_l2?: number;
      dictionary_sparsity?: number;
      dictionary_norms?: number;
      /** With `monitoring: 2`: the norm of each parameter, and of its clipped gradient, by the parameter's name. */
      [norm: `params_${string}`]: number;
    }
  | {
      /** An epoch was done. */
      event: 'epoch';
      /** Number, from 0. */
      epoch: number;
      /** Mean loss of its steps. */
      avg_loss: number;
      /** R² over the epoch, each batch before its update. */
      r2: number;
      /** R² as the reference has it, with one mean over all elements. */
      r2_scalar_mean: number;
      /** Mean active codes a row. */
      z_sparsity: number;
      /** Share of concepts that never fired in it. */
      dead_features: number;
      /** Share of concepts that have not fired for long. */
      dead_in_window: number;
      /** Seconds that it took. */
      time_epoch: number;
      /** Rows trained on each second. */
      rows_per_second: number;
    }
  | {
      /** Something that one should know. */
      event: 'warning';
      message: string;
    }
  | {
      /** Training ended. */
      event: 'done';
      /** Steps done. */
      steps: number;
      /** Seconds that it took. */
      seconds: number;
      /** Whether it was stopped before its end. */
      interrupted: boolean;
    };
