//! One place for judgement: from lines to findings, from findings and thresholds to a verdict.
