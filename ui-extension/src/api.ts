export const assessmentAddress = (series: string): string => `../assessments/${encodeURIComponent(series)}`;
