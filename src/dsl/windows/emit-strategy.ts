/** When a windowed aggregation sends its results. */
export class EmitStrategy {
  readonly type: 'window-update' | 'window-close';

  private constructor(type: 'window-update' | 'window-close') {
    this.type = type;
    Object.freeze(this);
  }

  /** At each update of a window. The default. */
  static onWindowUpdate(): EmitStrategy {
    return new EmitStrategy('window-update');
  }

  /** Once, when stream time has passed the window's end and grace. */
  static onWindowClose(): EmitStrategy {
    return new EmitStrategy('window-close');
  }
}
