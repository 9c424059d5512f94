/** The chart library in one minified file comes without types of its own: what we use of it has those of the package. */
declare module 'echarts/dist/echarts.esm.min' {
  export const init: typeof import('echarts').init;
}
