"""Makes the models that `detector` runs, through the detector's own meter, features and windows."""
