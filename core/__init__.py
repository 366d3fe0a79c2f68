"""The map of the house: who lives on which floor, and who may call whom.

Imports go down only.

    5  shell         core.project · core.apps · core.checks        settings and wiring
    4  doors         core.http · core.management · core.admin · core.jobs
    3  use cases     core.application.<verb_noun>                  order of steps, transaction
    2  rooms         core.models │ core.hooks │ core.infrastructure
    1  rules         core.domain                                   pure Python
    0  vocabulary    hookspecs                                     what plugins see

`core.context` and `core.conf` lie under everything in core but the rules; `core.testing`,
published to plugin authors, stands on top of all. Importing this module imports nothing.
"""
