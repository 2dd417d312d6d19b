"""What the data sets call their objects and verbs; constants alone.

A room of their own, because loaders and official metrics share them, and the command line of the
metrics should start without torch and Detectron2.
"""
