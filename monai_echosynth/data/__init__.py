"""Reading, checking and splitting of echocardiography frames."""
