"""An independent model of the catalogue: events in, facts and metric figures out.

Written from the definitions, not from the C code, and in another way than it: the C fold is a state machine, the
model here looks at the whole list of states and takes each definition as it is worded. Slow on purpose.

    fold       the facts of one subject
    metrics    figures over facts
    generator  random subjects with every type of event, from a seed
    incidents  the mapping of the incident audit log to events
    check      compares the C fold (fold_cli) with all this; tests/system/test_model.py does so with the whole daemon
"""
