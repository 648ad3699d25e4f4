"""An independent model of the catalogue: events in, facts and metric figures out.

Written from the definitions, not from the C code, and in another way than it: the C fold is a state machine, the
model here looks at the whole list of states and takes each definition as it is worded; its calendars go by local days
and stretches of one offset. Slow on purpose.

    events       fields, order, identities      reference    sites, teams, calendars in versions; derived dimensions
    calendars    business time                  ticket       what stands after each event of one subject
    answers      responses, acknowledgement     teams        handoffs, escalation, tiers, holdings
    sla          cycles                         survey       ratings, answers, sendings
    fold         the fact rows of one subject, from all of these
    metrics      figures over rows: the catalogue; votes: its surveys; figures: statistics
    generator    random worlds and subjects with every type of event, from a seed
    incidents    the incident audit log as events, with calendars, teams and targets made up
    worked       the worked cases of tests/data/cases
    check        compares the C fold (fold_cli) with all this; tests/system/test_model.py does so with the whole daemon

Beside it, of figures across tenants:

    attacker     what can be worked out of published cubes
    attack       lets it loose on random worlds, judged by the rules in C (disclosure_cli), and proves that they hold
"""
