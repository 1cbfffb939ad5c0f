"""The judgement as numbers, figures and a page."""
