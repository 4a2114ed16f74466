# one picture; without model= the best one answers
curl --silent --data-binary @five.png --header 'Content-Type: image/png' 'http://127.0.0.1:7860/classify?model=mnist-sturdy'

# any number of pictures and ZIPs: a line of JSON each, as soon as it is read
curl --silent --no-buffer --form images=@five.png --form images=@five.png http://127.0.0.1:7860/classify/many
